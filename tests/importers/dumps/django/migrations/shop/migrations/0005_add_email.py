from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0004_index_orders")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE users ADD COLUMN email text;",
            "ALTER TABLE users DROP COLUMN email;",
        ),
    ]
