-- How many entries of a ledger stood here when one of its days was reconciled last.
CREATE TABLE day_judged (
  origin text NOT NULL,
  day text NOT NULL,
  size bigint NOT NULL,
  CONSTRAINT day_judged_pk PRIMARY KEY (origin, day)
);

-- How far the schedule reconciled each ledger: its entries below `size`, its days before `day`.
CREATE TABLE ledger_judged (
  origin text NOT NULL,
  size bigint NOT NULL,
  day text NOT NULL,
  CONSTRAINT ledger_judged_pk PRIMARY KEY (origin)
);
