-- How a report goes to the citizen: a report sent by e-mail has no sheet of paper, and none is missed.

ALTER TABLE report ADD COLUMN delivery text NOT NULL DEFAULT 'print';
