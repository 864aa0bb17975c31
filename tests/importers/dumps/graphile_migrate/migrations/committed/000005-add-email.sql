--! Previous: sha1:194611022e1f7b902dbbf3527c509f96d9a05d66
--! Hash: sha1:c451b0900820ea31cd535820a52a20f70f1dd40c
--! Message: add email

ALTER TABLE users ADD COLUMN email text;
