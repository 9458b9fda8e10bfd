"""The PostgreSQL of the centre: launcher, pools, migrations, and every statement."""
