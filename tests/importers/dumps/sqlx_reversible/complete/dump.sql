-- left by sqlx-cli 0.9.0
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);

INSERT INTO public._sqlx_migrations VALUES (20240501090000, 'create users', '2026-11-28 13:38:01.923309+00', true, '\xd648ae862d4b6022b35875462c3c20281c347b7f570c8703b175c705c1a2baa6cef058c63b69da889be934bf46472bf6', 2586496);
INSERT INTO public._sqlx_migrations VALUES (20240502090000, 'create orders', '2026-11-28 13:38:01.926402+00', true, '\x38f8ea3ff3dbeb8fb6aeed67caff66516f563936190a54ff5f9d43c93891c9ba50859e072152658b34fcf7f542018c45', 2495194);
INSERT INTO public._sqlx_migrations VALUES (20240503090000, 'order total', '2026-11-28 13:38:01.929318+00', true, '\x11b607be8d69b01e5dff84ac08f019cfcf1798ae76f7679d39a6465fefa4216eea026ad740188bf0d07d67bbfc805679', 1142565);
INSERT INTO public._sqlx_migrations VALUES (20240504090000, 'index orders', '2026-11-28 13:38:01.931873+00', true, '\xcb710c6a8933be765217c808f96cb22fb5437a925b0e55b4c0eb66343cc819f15681c65230fc8da77ed1736d0eb43dba', 1396103);
INSERT INTO public._sqlx_migrations VALUES (20240505090000, 'add email', '2026-11-28 13:38:01.932381+00', true, '\x38ea8677c01d4accc49fc031cbdfde02d2797cd3e27a89fbe8e3637c563b4a985cc7e91a863f7a2793e9762ba3628ec5', 541393);

ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
