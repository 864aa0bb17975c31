-- expect: nothing
CREATE TABLE IF NOT EXISTS carriers (
  id   INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT UNIQUE NOT NULL, -- shown to the customer
  url  TEXT
);
INSERT INTO carriers (name, url) VALUES ('Post', NULL), ('Parcel; Inc.', 'https://parcel.example/?a=1;b=2');
ALTER TABLE carriers ALTER COLUMN url SET DEFAULT '';
UPDATE carriers SET url = '' WHERE url IS NULL;
CREATE INDEX ON carriers (url);
