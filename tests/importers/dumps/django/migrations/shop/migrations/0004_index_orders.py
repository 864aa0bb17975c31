from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0003_order_total")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);",
            "DROP INDEX CONCURRENTLY orders_user_id;",
        ),
    ]
