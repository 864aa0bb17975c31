-- expect: required-column
-- Prisma: Added the required column `region` to the `customers` table without a default value.
-- AlterTable
ALTER TABLE "customers" ADD COLUMN     "region" TEXT NOT NULL;
-- CreateIndex
