-- left by graphile-migrate 1.4.1
CREATE SCHEMA graphile_migrate;

CREATE TABLE graphile_migrate.current (
    filename text DEFAULT 'current.sql'::text NOT NULL,
    content text NOT NULL,
    date timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE graphile_migrate.migrations (
    hash text NOT NULL,
    previous_hash text,
    filename text NOT NULL,
    date timestamp with time zone DEFAULT now() NOT NULL
);

INSERT INTO graphile_migrate.migrations VALUES ('sha1:943be3c1d32c91ac4e8db59ce181fa9ef53334b3', NULL, '000001.sql', '2026-11-28 13:45:02.397857+00');
INSERT INTO graphile_migrate.migrations VALUES ('sha1:dc85ba53df3caa50b9c8350220ec87b627ee71f0', 'sha1:943be3c1d32c91ac4e8db59ce181fa9ef53334b3', '000002.sql', '2026-11-28 13:45:02.41423+00');
INSERT INTO graphile_migrate.migrations VALUES ('sha1:8b5df3084422434c23f271641416d5baed46413c', 'sha1:dc85ba53df3caa50b9c8350220ec87b627ee71f0', '000003.sql', '2026-11-28 13:45:02.427416+00');
INSERT INTO graphile_migrate.migrations VALUES ('sha1:194611022e1f7b902dbbf3527c509f96d9a05d66', 'sha1:8b5df3084422434c23f271641416d5baed46413c', '000004.sql', '2026-11-28 13:45:02.446097+00');
INSERT INTO graphile_migrate.migrations VALUES ('sha1:c451b0900820ea31cd535820a52a20f70f1dd40c', 'sha1:194611022e1f7b902dbbf3527c509f96d9a05d66', '000005.sql', '2026-11-28 13:45:02.454609+00');

ALTER TABLE ONLY graphile_migrate.current
    ADD CONSTRAINT current_pkey PRIMARY KEY (filename);

ALTER TABLE ONLY graphile_migrate.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY graphile_migrate.migrations
    ADD CONSTRAINT migrations_previous_hash_fkey FOREIGN KEY (previous_hash) REFERENCES graphile_migrate.migrations(hash);
