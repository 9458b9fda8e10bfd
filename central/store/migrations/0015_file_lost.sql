-- Files that were whole once and are not what they were on the disk: asked for again until they are whole anew.
CREATE TABLE file_lost (
  origin text NOT NULL,
  digest bytea NOT NULL,
  noticed_ms bigint NOT NULL,
  CONSTRAINT file_lost_pk PRIMARY KEY (origin, digest)
);
