"""Migration operations that Django lacks."""

from __future__ import annotations

from django.db import migrations


class CreatePartitionedModel(migrations.CreateModel):
    """Create a table partitioned by range of `partition_by`, with a default partition that must stay empty.

    Django believes `id` is the primary key; the table's is (id, partition_by), as PostgreSQL demands of a partitioned table.
    Indexes, constraints and later fields are ordinary operations on the parent and pass to its partitions.
    """

    def __init__(self, *args, partition_by: str, **kwargs):
        self.partition_by = partition_by
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        name, args, kwargs = super().deconstruct()
        return name, args, {**kwargs, "partition_by": self.partition_by}

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        sql, params = schema_editor.table_sql(model)
        key = f'PRIMARY KEY ("id", "{self.partition_by}")'
        body = sql.replace(" PRIMARY KEY", "", 1).rstrip().removesuffix(")")
        schema_editor.execute(f'{body}, {key}) PARTITION BY RANGE ("{self.partition_by}")', params or None)
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f'CREATE TABLE "{model._meta.db_table}_default" PARTITION OF {table} DEFAULT')
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))
