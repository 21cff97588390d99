"""Migration operations that Django lacks."""

from __future__ import annotations

from django.db import migrations
from django.db.migrations.operations.base import Operation


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


class ReferenceInSets(Operation):
    """A foreign key that is checked once a statement instead of once a row: a list of 200,000 rows would wait seconds for the latter.

    The field has `db_constraint=False`; three triggers keep the promise. An insert with an unknown key, a change to one, and the
    deletion of a row that is pointed to are refused with the error of a foreign key, at once. A deletion keeps inserts waiting
    (it locks the pointing table), so that nothing slips in beside it: meant for targets that are hardly ever deleted.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, model_name: str, field: str) -> None:
        self.model_name = model_name
        self.field = field

    def deconstruct(self):
        return type(self).__name__, [], {"model_name": self.model_name, "field": self.field}

    def describe(self) -> str:
        return f"Check {self.model_name}.{self.field} once a statement"

    def state_forwards(self, app_label, state) -> None:
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.alias == "default":
            for statement in self._statements(to_state.apps.get_model(app_label, self.model_name), REFERENCE):
                schema_editor.execute(statement)

    def database_backwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.alias == "default":
            for statement in self._statements(to_state.apps.get_model(app_label, self.model_name), NO_REFERENCE):
                schema_editor.execute(statement)

    def _statements(self, model, statements: tuple[str, ...]) -> list[str]:
        field = model._meta.get_field(self.field)
        table, column = model._meta.db_table, field.column
        names = {
            "name": f"{table}_{column}",
            "table": table,
            "column": column,
            "target": field.remote_field.model._meta.db_table,
            "key": field.target_field.column,
        }
        return [statement.format(**names) for statement in statements]


# each function keeps the search path under which it was made: a restore of data alone, and whoever else has none, fires them too
REFERENCE = (
    # by the index whatever the first insert of a connection was: the plan is kept, and a scan of all customers for one number is not wanted
    """CREATE FUNCTION {name}_arrived() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM (SELECT DISTINCT a."{column}" AS key FROM arrived a WHERE a."{column}" IS NOT NULL OFFSET 0) d
             WHERE NOT EXISTS (SELECT 1 FROM "{target}" t WHERE t."{key}" = d.key)) THEN
    RAISE foreign_key_violation USING MESSAGE = 'insert on table "{table}" violates the reference "{column}": no such row in "{target}"';
  END IF;
  RETURN NULL;
END $$""",
    """CREATE FUNCTION {name}_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN
  PERFORM 1 FROM "{target}" t WHERE t."{key}" = NEW."{column}" FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE foreign_key_violation USING MESSAGE = 'update on table "{table}" violates the reference "{column}": no such row in "{target}"';
  END IF;
  RETURN NULL;
END $$""",
    """CREATE FUNCTION {name}_gone() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN
  LOCK TABLE "{table}" IN SHARE MODE;
  IF EXISTS (SELECT 1 FROM gone g JOIN "{table}" a ON a."{column}" = g."{key}") THEN
    RAISE foreign_key_violation USING MESSAGE = 'delete on table "{target}" violates the reference "{column}" of table "{table}"';
  END IF;
  RETURN NULL;
END $$""",
    """CREATE TRIGGER {name}_arrived AFTER INSERT ON "{table}" REFERENCING NEW TABLE AS arrived
  FOR EACH STATEMENT EXECUTE FUNCTION {name}_arrived()""",
    """CREATE TRIGGER {name}_changed AFTER UPDATE OF "{column}" ON "{table}"
  FOR EACH ROW WHEN (NEW."{column}" IS DISTINCT FROM OLD."{column}" AND NEW."{column}" IS NOT NULL) EXECUTE FUNCTION {name}_changed()""",
    """CREATE TRIGGER {name}_gone AFTER DELETE ON "{target}" REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION {name}_gone()""",
)
NO_REFERENCE = (
    'DROP TRIGGER {name}_gone ON "{target}"',
    'DROP TRIGGER {name}_changed ON "{table}"',
    'DROP TRIGGER {name}_arrived ON "{table}"',
    "DROP FUNCTION {name}_gone(), {name}_changed(), {name}_arrived()",
)


class ReferenceInRuns(Operation):
    """Lets the insert trigger of a ReferenceInSets look at a whole run of keys at once.

    Rows that arrive together mostly point to neighbours: the customers of a list got their keys one after the other, and cities are few.
    When every key between the lowest and the highest is there, each of them is, and one pass over a piece of the index has shown it;
    otherwise each key is looked up as before.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, model_name: str, field: str) -> None:
        self.model_name = model_name
        self.field = field

    def deconstruct(self):
        return type(self).__name__, [], {"model_name": self.model_name, "field": self.field}

    def describe(self) -> str:
        return f"Check runs of {self.model_name}.{self.field} at once"

    def state_forwards(self, app_label, state) -> None:
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        self._replace(app_label, schema_editor, to_state, ARRIVED_IN_RUNS)

    def database_backwards(self, app_label, schema_editor, from_state, to_state) -> None:
        self._replace(app_label, schema_editor, to_state, REFERENCE[0])

    def _replace(self, app_label, schema_editor, state, function: str) -> None:
        if schema_editor.connection.alias == "default":
            model = state.apps.get_model(app_label, self.model_name)
            reference = ReferenceInSets(self.model_name, self.field)
            [statement] = reference._statements(
                model, (function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),)
            )
            schema_editor.execute(statement)


# a run may hold as many keys of others as of ours: more would be slower to count than ours to look up
ARRIVED_IN_RUNS = """CREATE FUNCTION {name}_arrived() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  lowest bigint; highest bigint; rows bigint;
BEGIN
  SELECT min(a."{column}"), max(a."{column}"), count(a."{column}") INTO lowest, highest, rows FROM arrived a;
  IF rows = 0 THEN RETURN NULL; END IF;
  IF highest - lowest < 2 * rows
      AND (SELECT count(*) FROM "{target}" t WHERE t."{key}" BETWEEN lowest AND highest) = highest - lowest + 1 THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT 1 FROM (SELECT DISTINCT a."{column}" AS key FROM arrived a WHERE a."{column}" IS NOT NULL OFFSET 0) d
             WHERE NOT EXISTS (SELECT 1 FROM "{target}" t WHERE t."{key}" = d.key)) THEN
    RAISE foreign_key_violation USING MESSAGE = 'insert on table "{table}" violates the reference "{column}": no such row in "{target}"';
  END IF;
  RETURN NULL;
END $$"""


class ChangeFunctions(Operation):
    """Changes places of functions that are there: of each (function, what stands there, what stands there from now on).

    The function is read as it is, so what another migration put elsewhere in it stays. A place that is not there once is an error:
    the function is not the one that the migration was written for. Backwards it puts the old text in again, in reverse order.
    """

    reversible = True
    reduces_to_sql = False

    def __init__(self, changes: list[tuple[str, str, str]]) -> None:
        self.changes = changes

    def deconstruct(self):
        return type(self).__name__, [], {"changes": self.changes}

    def describe(self) -> str:
        return "Change " + ", ".join(sorted({function for function, _old, _new in self.changes}))

    def state_forwards(self, app_label, state) -> None:
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        self._change(schema_editor, self.changes)

    def database_backwards(self, app_label, schema_editor, from_state, to_state) -> None:
        self._change(schema_editor, [(function, new, old) for function, old, new in reversed(self.changes)])

    def _change(self, schema_editor, changes: list[tuple[str, str, str]]) -> None:
        # without parameters: the texts hold % signs of their own
        with schema_editor.connection.cursor() as cursor:
            for function, old, new in changes:
                cursor.execute(f"SELECT pg_get_functiondef('{function}'::regproc)")
                text = cursor.fetchone()[0]
                if text.count(old) != 1:
                    raise RuntimeError(f"{function} reads otherwise than this migration knows: {old}")
                cursor.execute(text.replace(old, new))


def note_changes(room: str, *tables: str) -> migrations.RunSQL:
    """Every statement that changes one of these tables is told to whoever keeps rows of the room in memory (see core.kept)."""
    make = []
    for table in tables:
        make.append(
            f"CREATE TRIGGER {table}_noted AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION core_note_change('{room}')"
        )
        # also where other triggers are off, as while the demo is stored
        make.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_noted")
    # nothing is kept of a room of which nobody has ever told anything
    make.append(f"INSERT INTO core_change (room, weight) VALUES ('{room}', floor(random() * 9007199254740991) + 1)")
    return migrations.RunSQL(make, [f"DROP TRIGGER {table}_noted ON {table}" for table in tables])
