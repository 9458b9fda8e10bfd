-- Papers photographed into a case, by what they are: the SHA-256 of the picture. Kept as long as report files are.
CREATE TABLE photo (
  office_case TEXT NOT NULL,
  digest      BLOB NOT NULL,
  taken_ms    INTEGER NOT NULL,
  entry       INTEGER NOT NULL,
  picture     BLOB NOT NULL,       -- JPEG
  PRIMARY KEY (office_case, digest)
);
