-- expect: rename-table
-- better English
alter table if exists invoices rename to bills;
alter sequence invoices_id_seq rename to bills_id_seq;
