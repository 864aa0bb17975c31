-- expect: rewrite at large, nothing at small
ALTER TABLE "payments" ADD COLUMN "public_id" uuid DEFAULT gen_random_uuid();
COMMENT ON COLUMN "payments"."public_id" IS 'shown in links';
