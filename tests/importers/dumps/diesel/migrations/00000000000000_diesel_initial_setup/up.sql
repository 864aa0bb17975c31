-- what the project itself needs
CREATE SCHEMA app;
