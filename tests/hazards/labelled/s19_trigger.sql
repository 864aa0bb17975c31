-- expect: nothing
CREATE OR REPLACE FUNCTION lower_email() RETURNS trigger AS $body$
BEGIN
    NEW.email = lower(NEW.email);
    RETURN NEW;
END;
$body$ LANGUAGE plpgsql;
CREATE TRIGGER customers_lower_email BEFORE INSERT OR UPDATE ON customers
    FOR EACH ROW EXECUTE PROCEDURE lower_email();
