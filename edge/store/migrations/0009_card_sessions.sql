-- The fingerprint of the staff card that opened a session: it ends when that card is lifted. '' for a password.
ALTER TABLE session ADD COLUMN card TEXT NOT NULL DEFAULT '';
