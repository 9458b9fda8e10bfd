"""The matters a hall offers: one TOML file each, and the loader that refuses a wrong one."""
