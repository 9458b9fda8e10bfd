-- The staff card a clerk signs in with: the SHA-256 of its certificate in hex, '' for none.
ALTER TABLE staff ADD COLUMN card text NOT NULL DEFAULT '';
