from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ml", "0002_ablation_kind")]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="kind",
            field=models.CharField(
                choices=[
                    ("year", "mapping year"),
                    ("training", "training"),
                    ("mapping", "mapping"),
                    ("ablation", "what reports brought"),
                    ("publication", "publication of a release"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
    ]
