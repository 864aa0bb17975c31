--! Previous: -
--! Hash: sha1:943be3c1d32c91ac4e8db59ce181fa9ef53334b3
--! Message: create users

CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO users (id, name) VALUES (1, 'Ada; the first user');
