-- Up to when a contact tells of its node's work: when the batch was made, as its signed header says, and not later than
-- it came. A stick is written days before it arrives, and so is a batch that another node hands on over its line. Of
-- contacts before this nothing is known: the next one says it.
ALTER TABLE contact ADD COLUMN told_ms bigint NOT NULL DEFAULT 0;
