-- A right that was spent names its case and the grant it was spent under ("" none).
ALTER TABLE quota_spent ADD COLUMN office_case TEXT NOT NULL DEFAULT '';
ALTER TABLE quota_spent ADD COLUMN grant_id TEXT NOT NULL DEFAULT '';

-- Rights granted ahead: units of a matter this incarnation may give away as free without contact, until `expires_ms`.
CREATE TABLE quota_grant (
  id         TEXT PRIMARY KEY,
  origin     TEXT NOT NULL,
  matter     TEXT NOT NULL,
  units      INTEGER NOT NULL,
  used       INTEGER NOT NULL DEFAULT 0,
  expires_ms INTEGER NOT NULL,
  granted_ms INTEGER NOT NULL,
  ended_ms   INTEGER
) WITHOUT ROWID;
