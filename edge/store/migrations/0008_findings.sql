-- A finding has an owner and a word of this hall, and the state the centre gave it ('' while it said nothing).
ALTER TABLE finding ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE finding ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE finding ADD COLUMN centre TEXT NOT NULL DEFAULT '';
UPDATE finding SET centre = state WHERE raised_by = 'centre';
