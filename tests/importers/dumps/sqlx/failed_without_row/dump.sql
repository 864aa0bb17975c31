-- left by sqlx-cli 0.9.0
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);

INSERT INTO public._sqlx_migrations VALUES (20240501090000, 'create users', '2026-11-28 13:38:01.216981+00', true, '\xd648ae862d4b6022b35875462c3c20281c347b7f570c8703b175c705c1a2baa6cef058c63b69da889be934bf46472bf6', 2422212);
INSERT INTO public._sqlx_migrations VALUES (20240502090000, 'create orders', '2026-11-28 13:38:01.2199+00', true, '\x38f8ea3ff3dbeb8fb6aeed67caff66516f563936190a54ff5f9d43c93891c9ba50859e072152658b34fcf7f542018c45', 2497036);
INSERT INTO public._sqlx_migrations VALUES (20240503090000, 'order total', '2026-11-28 13:38:01.222669+00', true, '\x11b607be8d69b01e5dff84ac08f019cfcf1798ae76f7679d39a6465fefa4216eea026ad740188bf0d07d67bbfc805679', 1015445);

ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
