-- left by sqitch 1.3.1
CREATE SCHEMA sqitch;

CREATE TABLE sqitch.changes (
    change_id text NOT NULL,
    script_hash text,
    change text NOT NULL,
    project text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    committed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    committer_name text NOT NULL,
    committer_email text NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    planner_name text NOT NULL,
    planner_email text NOT NULL
);

CREATE TABLE sqitch.dependencies (
    change_id text NOT NULL,
    type text NOT NULL,
    dependency text NOT NULL,
    dependency_id text,
    CONSTRAINT dependencies_check CHECK ((((type = 'require'::text) AND (dependency_id IS NOT NULL)) OR ((type = 'conflict'::text) AND (dependency_id IS NULL))))
);

CREATE TABLE sqitch.events (
    event text NOT NULL,
    change_id text NOT NULL,
    change text NOT NULL,
    project text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    requires text[] DEFAULT '{}'::text[] NOT NULL,
    conflicts text[] DEFAULT '{}'::text[] NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    committed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    committer_name text NOT NULL,
    committer_email text NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    planner_name text NOT NULL,
    planner_email text NOT NULL,
    CONSTRAINT events_event_check CHECK ((event = ANY (ARRAY['deploy'::text, 'revert'::text, 'fail'::text, 'merge'::text])))
);

CREATE TABLE sqitch.projects (
    project text NOT NULL,
    uri text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    creator_name text NOT NULL,
    creator_email text NOT NULL
);

CREATE TABLE sqitch.releases (
    version real NOT NULL,
    installed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    installer_name text NOT NULL,
    installer_email text NOT NULL
);

CREATE TABLE sqitch.tags (
    tag_id text NOT NULL,
    tag text NOT NULL,
    project text NOT NULL,
    change_id text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    committed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    committer_name text NOT NULL,
    committer_email text NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    planner_name text NOT NULL,
    planner_email text NOT NULL
);

INSERT INTO sqitch.changes VALUES ('50ab9ff5ca595ca7c5c9a8a9a9be3ff2ffbb9a4f', '372d44bc2584f042dabb0657c8596572186c634c', 'create_users', 'shop', 'create users', '2026-11-28 13:57:27.80221+00', 'Ada', 'ada@example.org', '2024-05-01 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.changes VALUES ('29651249f588def7600d82fe547f1c6837d0d887', 'd873460d8a5b31ae7be9b853d1703e30ca714854', 'create_orders', 'shop', 'create orders', '2026-11-28 13:57:27.817744+00', 'Ada', 'ada@example.org', '2024-05-02 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.changes VALUES ('6400f6810017a036a27db99fab9096c5dff45a6c', 'ed08e57c3399391741c44555528d38bcc11c3e2f', 'order_total', 'shop', 'order total', '2026-11-28 13:57:27.826639+00', 'Ada', 'ada@example.org', '2024-05-03 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.changes VALUES ('215c8d4cb9cd2d5174b9f13421b7804ab16af8bd', '7425a714f603a7e1b02393a34424317f9211dae1', 'index_orders', 'shop', 'index orders', '2026-11-28 13:57:27.842708+00', 'Ada', 'ada@example.org', '2024-05-04 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.changes VALUES ('20538d3e86d68cbd098fc4559da0ee7093c2913c', 'ee4578f27db5e528a9514fa35525a3a3bf9ccd5e', 'add_email', 'shop', 'add email', '2026-11-28 13:57:27.852843+00', 'Ada', 'ada@example.org', '2024-05-05 09:00:00+00', 'Ada', 'ada@example.org');

INSERT INTO sqitch.dependencies VALUES ('29651249f588def7600d82fe547f1c6837d0d887', 'require', 'create_users', '50ab9ff5ca595ca7c5c9a8a9a9be3ff2ffbb9a4f');
INSERT INTO sqitch.dependencies VALUES ('6400f6810017a036a27db99fab9096c5dff45a6c', 'require', 'create_orders', '29651249f588def7600d82fe547f1c6837d0d887');
INSERT INTO sqitch.dependencies VALUES ('215c8d4cb9cd2d5174b9f13421b7804ab16af8bd', 'require', 'create_orders', '29651249f588def7600d82fe547f1c6837d0d887');
INSERT INTO sqitch.dependencies VALUES ('20538d3e86d68cbd098fc4559da0ee7093c2913c', 'require', 'create_users', '50ab9ff5ca595ca7c5c9a8a9a9be3ff2ffbb9a4f');

INSERT INTO sqitch.events VALUES ('deploy', '50ab9ff5ca595ca7c5c9a8a9a9be3ff2ffbb9a4f', 'create_users', 'shop', 'create users', '{}', '{}', '{}', '2026-11-28 13:57:27.80403+00', 'Ada', 'ada@example.org', '2024-05-01 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.events VALUES ('deploy', '29651249f588def7600d82fe547f1c6837d0d887', 'create_orders', 'shop', 'create orders', '{create_users}', '{}', '{}', '2026-11-28 13:57:27.818802+00', 'Ada', 'ada@example.org', '2024-05-02 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.events VALUES ('deploy', '6400f6810017a036a27db99fab9096c5dff45a6c', 'order_total', 'shop', 'order total', '{create_orders}', '{}', '{@v1.0}', '2026-11-28 13:57:27.83275+00', 'Ada', 'ada@example.org', '2024-05-03 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.events VALUES ('deploy', '215c8d4cb9cd2d5174b9f13421b7804ab16af8bd', 'index_orders', 'shop', 'index orders', '{create_orders}', '{}', '{}', '2026-11-28 13:57:27.847765+00', 'Ada', 'ada@example.org', '2024-05-04 09:00:00+00', 'Ada', 'ada@example.org');
INSERT INTO sqitch.events VALUES ('deploy', '20538d3e86d68cbd098fc4559da0ee7093c2913c', 'add_email', 'shop', 'add email', '{create_users}', '{}', '{}', '2026-11-28 13:57:27.854173+00', 'Ada', 'ada@example.org', '2024-05-05 09:00:00+00', 'Ada', 'ada@example.org');

INSERT INTO sqitch.projects VALUES ('shop', NULL, '2026-11-28 13:57:27.789831+00', 'Ada', 'ada@example.org');

INSERT INTO sqitch.releases VALUES (1.1, '2026-11-28 13:57:27.778999+00', 'Ada', 'ada@example.org');

INSERT INTO sqitch.tags VALUES ('89111996b942feef14f9c8c17f9825dd2964920a', '@v1.0', 'shop', '6400f6810017a036a27db99fab9096c5dff45a6c', 'the first release', '2026-11-28 13:57:27.830856+00', 'Ada', 'ada@example.org', '2024-05-03 10:00:00+00', 'Ada', 'ada@example.org');

ALTER TABLE ONLY sqitch.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY sqitch.changes
    ADD CONSTRAINT changes_project_script_hash_key UNIQUE (project, script_hash);

ALTER TABLE ONLY sqitch.dependencies
    ADD CONSTRAINT dependencies_pkey PRIMARY KEY (change_id, dependency);

ALTER TABLE ONLY sqitch.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (change_id, committed_at);

ALTER TABLE ONLY sqitch.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (project);

ALTER TABLE ONLY sqitch.projects
    ADD CONSTRAINT projects_uri_key UNIQUE (uri);

ALTER TABLE ONLY sqitch.releases
    ADD CONSTRAINT releases_pkey PRIMARY KEY (version);

ALTER TABLE ONLY sqitch.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (tag_id);

ALTER TABLE ONLY sqitch.tags
    ADD CONSTRAINT tags_project_tag_key UNIQUE (project, tag);

ALTER TABLE ONLY sqitch.changes
    ADD CONSTRAINT changes_project_fkey FOREIGN KEY (project) REFERENCES sqitch.projects(project) ON UPDATE CASCADE;

ALTER TABLE ONLY sqitch.dependencies
    ADD CONSTRAINT dependencies_change_id_fkey FOREIGN KEY (change_id) REFERENCES sqitch.changes(change_id) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY sqitch.dependencies
    ADD CONSTRAINT dependencies_dependency_id_fkey FOREIGN KEY (dependency_id) REFERENCES sqitch.changes(change_id) ON UPDATE CASCADE;

ALTER TABLE ONLY sqitch.events
    ADD CONSTRAINT events_project_fkey FOREIGN KEY (project) REFERENCES sqitch.projects(project) ON UPDATE CASCADE;

ALTER TABLE ONLY sqitch.tags
    ADD CONSTRAINT tags_change_id_fkey FOREIGN KEY (change_id) REFERENCES sqitch.changes(change_id) ON UPDATE CASCADE;

ALTER TABLE ONLY sqitch.tags
    ADD CONSTRAINT tags_project_fkey FOREIGN KEY (project) REFERENCES sqitch.projects(project) ON UPDATE CASCADE;
