-- Up to when a contact tells of its node's work: when the batch was made, as its signed header says, and not later than
-- it came. A stick is written days before it arrives, and so is a batch that another node hands on over its line.
ALTER TABLE contact ADD COLUMN told_ms bigint NOT NULL DEFAULT 0;
UPDATE contact SET told_ms = at_ms WHERE carrier = 'network';
