-- left by supabase 2.117.0
CREATE SCHEMA supabase_migrations;

CREATE TABLE supabase_migrations.schema_migrations (
    version text NOT NULL,
    statements text[],
    name text
);

INSERT INTO supabase_migrations.schema_migrations VALUES ('20240501090000', '{"CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL)","INSERT INTO users (id, name) VALUES (1, ''Ada; the first user'')"}', 'create_users');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20240502090000', '{"-- each order belongs to a user; the user must exist
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    note text NOT NULL DEFAULT ''none -- yet''
)","/* an order''s amount; it''s in cents */
ALTER TABLE orders ADD COLUMN amount bigint NOT NULL DEFAULT 0"}', 'create_orders');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20240504090000', '{"CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id)"}', 'index_orders');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20240505090000', '{"ALTER TABLE users ADD COLUMN email text"}', 'add_email');

ALTER TABLE ONLY supabase_migrations.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);
