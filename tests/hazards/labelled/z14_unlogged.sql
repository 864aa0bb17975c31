-- expect: rewrite at large, nothing at small
-- sessions may be lost
ALTER TABLE sessions SET UNLOGGED;
