-- expect: rename-column
--
-- Rename field full_name on customer to display_name
--
ALTER TABLE "customers" RENAME COLUMN "full_name" TO "display_name";
