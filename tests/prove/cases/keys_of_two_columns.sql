-- verdict: different
-- pair: 3 2
-- message: rows of table public.line
-- order: 1 3 2 4
-- 1: tables
CREATE TABLE bill (tenant text, id serial, total int, PRIMARY KEY (tenant, id));
CREATE TABLE line (tenant text, bill int, what text,
                   FOREIGN KEY (tenant, bill) REFERENCES bill (tenant, id));
-- 2: ten
INSERT INTO bill (tenant, total) VALUES ('x', 10);
-- 3: twenty
INSERT INTO bill (tenant, total) VALUES ('x', 20);
-- 4: line
INSERT INTO line VALUES ('x', 1, 'tea');
