"""Producers of decisions: their keys, the numbers that have come, and what they say they sent."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0006_partitions_and_sealed_bytes'),
    ]

    operations = [
        migrations.CreateModel(
            name='IngestClaim',
            fields=[
                ('pk', models.CompositePrimaryKey('source', 'hour', blank=True, editable=False, primary_key=True, serialize=False)),
                ('source', models.CharField(max_length=32)),
                ('hour', models.DateTimeField()),
                ('claimed', models.BigIntegerField()),
                ('on_record', models.BigIntegerField()),
                ('claimed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='IngestSource',
            fields=[
                ('name', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('service', models.CharField(max_length=64)),
                ('key_sha256', models.BinaryField()),
                ('created_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='IngestRange',
            fields=[
                ('pk', models.CompositePrimaryKey('source', 'first', blank=True, editable=False, primary_key=True, serialize=False)),
                ('source', models.CharField(max_length=32)),
                ('first', models.BigIntegerField()),
                ('last', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('first__gte', 1), ('last__gte', models.F('first'))), name='a_range_is_one')],
            },
        ),
    ]
