-- expect: nothing
-- CreateTable
CREATE TABLE "vouchers" (
    "id" BIGSERIAL NOT NULL,
    "code" TEXT NOT NULL,
    "valid_until" TIMESTAMP(3),
    CONSTRAINT "vouchers_pkey" PRIMARY KEY ("id")
);
-- CreateIndex
CREATE UNIQUE INDEX "vouchers_code_key" ON "vouchers"("code");
-- AddForeignKey: nothing yet
INSERT INTO vouchers (code) VALUES ('WELCOME10');
