"""The pieces of the stack: what they decide, and the sentence for each thing that can be wrong."""

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from telemkt.stack import (
    accounts,
    commands,
    given,
    home,
    ports,
    postgres,
    prepare,
    processes,
    programs,
    python_version,
    secrets,
    servers,
    supervisor,
    trouble,
    urls,
)
from telemkt.stack.locks import FileLock, is_held
from telemkt.stack.trouble import Trouble


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELEMKT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# -- Python ------------------------------------------------------------------------------------------------------------


def test_an_old_python_is_told_what_it_is_and_what_to_do():
    assert python_version.sentence((3, 9, 2)) == (
        "telemkt needs Python 3.11 or later, and this is Python 3.9. "
        "Install a newer one and say which: make run PYTHON=python3.12"
    )


@pytest.mark.parametrize("version", [(3, 11), (3, 13, 1), (4, 0)])
def test_a_python_that_is_new_enough_is_told_nothing(version):
    assert python_version.sentence(version) is None


# -- URLs --------------------------------------------------------------------------------------------------------------


def test_a_database_url_is_read_with_its_escapes_and_options():
    parsed = urls.parse_database("DATABASE_URL", "postgres://me:p%40ss%2Fword@Db.Example:6432/sales?sslmode=require")

    assert parsed == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "sales",
        "USER": "me",
        "PASSWORD": "p@ss/word",
        "HOST": "Db.Example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_database_url_may_name_a_socket_directory():
    parsed = urls.parse_database("DATABASE_URL", "postgresql://me@%2Fvar%2FRun%2Fpg/sales")

    assert (parsed["HOST"], parsed["PORT"]) == ("/var/Run/pg", "")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "mysql://u:secret@h/d",
            "DATABASE_URL must begin with postgres://, as in postgres://user:password@host:5432/name.",
        ),
        ("nonsense", "DATABASE_URL must begin with postgres://, as in postgres://user:password@host:5432/name."),
        ("postgres://u:secret@h", "DATABASE_URL names no database: write postgres://user:password@host:5432/name."),
        (
            "postgres://u:secret@h:x/d",
            "DATABASE_URL is not a URL that can be read: write postgres://user:password@host:5432/name.",
        ),
    ],
)
def test_a_wrong_database_url_gets_a_sentence_without_its_password(url, sentence):
    with pytest.raises(urls.BadUrl) as error:
        urls.parse_database("DATABASE_URL", url)

    assert str(error.value) == sentence


def test_a_wrong_redis_url_gets_a_sentence(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "http://h/0")

    with pytest.raises(urls.BadUrl, match=r"^REDIS_URL must begin with redis://"):
        urls.broker()


def test_without_urls_both_servers_are_found_under_the_home(empty_home, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)

    assert urls.database()["HOST"] == str(home.socket_directory("postgres"))
    assert urls.broker(1) == f"redis+socket://{home.socket_directory('valkey')}/valkey.sock?virtual_host=1"


def test_the_socket_of_a_home_with_a_long_path_lies_elsewhere_and_always_at_the_same_place(monkeypatch):
    monkeypatch.setenv("TELEMKT_HOME", "/srv/" + "long" * 30)
    place = home.socket_directory("postgres")

    assert len(str(place)) <= home.LONGEST_SOCKET_DIRECTORY
    assert place == home.socket_directory("postgres")

    monkeypatch.setenv("TELEMKT_HOME", "/srv/" + "long" * 31)
    assert place != home.socket_directory("postgres")


# -- Servers that were given -------------------------------------------------------------------------------------------


def test_a_database_that_does_not_answer_is_named_without_its_password(monkeypatch):
    port = free_port()
    monkeypatch.setenv("DATABASE_URL", f"postgres://me:secret@127.0.0.1:{port}/sales")

    with pytest.raises(Trouble) as error:
        given.check()

    assert str(error.value).startswith(
        f"DATABASE_URL names postgres://127.0.0.1:{port}/sales, and PostgreSQL cannot be used there: "
    )
    assert "secret" not in str(error.value)


def test_a_redis_that_does_not_answer_is_named_without_its_password(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_REPLICA_URL", raising=False)
    port = free_port()
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{port}/0")

    with pytest.raises(Trouble) as error:
        given.check()

    assert str(error.value).startswith(f"REDIS_URL names redis://127.0.0.1:{port}/0, and Redis cannot be used there: ")
    assert "secret" not in str(error.value)


@pytest.mark.django_db
def test_a_database_that_answers_will_do(monkeypatch):
    found = urls.embedded_database()
    if not os.environ.get("DATABASE_URL"):
        host = found["HOST"].replace("/", "%2F")
        monkeypatch.setenv(
            "DATABASE_URL", f"postgres://{found['USER']}@{host}/{found['NAME']}?passfile={found['OPTIONS']['passfile']}"
        )

    given.check_postgres("DATABASE_URL")


def test_a_command_on_a_database_without_tables_says_what_to_do(monkeypatch):
    from django.core import management
    from django.db.utils import ProgrammingError
    from psycopg2.errors import UndefinedTable

    def ask(_argv):
        raise ProgrammingError("relation does not exist") from undefined

    undefined = type("Undefined", (UndefinedTable,), {"pgcode": "42P01"})()
    monkeypatch.setattr(management, "execute_from_command_line", ask)

    with pytest.raises(Trouble, match="migrate first"):
        commands._execute(["manage.py", "create_admin", "root"])


def test_a_command_with_a_wrong_url_says_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(servers, "needed", list)

    def refuse(argv):
        raise urls.BadUrl("DATABASE_URL must begin with postgres://.")

    monkeypatch.setattr(commands, "_execute", refuse)

    assert commands.run(["manage.py", "migrate"]) == 1
    assert capsys.readouterr().err == "DATABASE_URL must begin with postgres://.\n"


# -- Port --------------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "８０００"])
def test_a_port_that_is_none_gets_a_sentence(monkeypatch, text):
    monkeypatch.setenv("PORT", text)

    with pytest.raises(Trouble, match="a port is a number from 1 to 65535"):
        ports.chosen()


def test_without_a_wish_the_port_is_8000(monkeypatch):
    monkeypatch.delenv("PORT", raising=False)

    assert ports.chosen() == 8000


def test_a_port_in_use_gets_a_sentence_with_a_way_out():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(Trouble) as error:
            ports.must_be_free(port)

    assert str(error.value) == (
        f"Port {port} is in use by another program. Stop it, or choose another port: make run PORT={port + 1}."
    )


def test_a_free_port_will_do():
    ports.must_be_free(free_port())


# -- Disk --------------------------------------------------------------------------------------------------------------


def test_a_full_disk_gets_a_sentence_before_anything_is_made(empty_home, monkeypatch):
    monkeypatch.setattr(servers, "LEAST_FREE", 1 << 62)

    with pytest.raises(Trouble) as error:
        servers.share("valkey")

    assert (
        str(error.value)
        == f"The disk that holds {empty_home} is full. Make room, or choose another place with TELEMKT_HOME."
    )
    assert not servers.runs("valkey")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk that holds /x is full. Make room, or choose another place with TELEMKT_HOME."),
        (errno.EACCES, "/x cannot be written: Permission denied. Choose another place with TELEMKT_HOME."),
        (errno.EIO, "/x cannot be used: Input/output error."),
    ],
)
def test_faults_of_the_disk_become_sentences(number, sentence):
    assert str(trouble.from_os_error(OSError(number, os.strerror(number)), "/x")) == sentence


def test_a_full_disk_is_recognised_in_what_postgresql_says(empty_home):
    said = 'initdb: error: could not write file "x": No space left on device'

    assert "is full" in str(postgres._explain(said, Path("/x")))


def test_a_directory_that_is_no_cluster_is_not_touched(empty_home):
    data = postgres.data_directory()
    data.mkdir(parents=True)
    (data / "thesis.txt").write_text("mine")

    with pytest.raises(Trouble, match="holds files that are not a PostgreSQL cluster"):
        postgres._create_cluster(postgres.binaries(), postgres.identity.Identity(), data)

    assert (data / "thesis.txt").read_text() == "mine"


# -- Secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_is_made_once_and_closed_to_others(empty_home):
    first = secrets.secret("secret_key")
    path = home.keys_directory() / "secret_key"

    assert len(first) > 50
    assert secrets.secret("secret_key") == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_who_comes_second_with_a_secret_takes_that_of_the_first(empty_home):
    first = secrets.secret("secret_key")

    assert secrets._make(home.keys_directory() / "secret_key", "another") == first


# -- Locks -------------------------------------------------------------------------------------------------------------


def test_a_lock_for_one_shuts_all_others_out(tmp_path):
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert one.acquire()
    assert not other.acquire(timeout=0)
    assert not other.acquire(shared=True, timeout=0.05)
    assert is_held(tmp_path / "lock")
    one.release()
    assert other.acquire(timeout=0)


def test_many_share_a_lock_and_one_waits_for_all(tmp_path):
    first, second, keeper = (FileLock(tmp_path / "lock") for _ in range(3))
    first.acquire(shared=True)
    second.acquire(shared=True)

    assert not keeper.acquire(timeout=0)
    first.release()
    assert not keeper.acquire(timeout=0)
    second.release()
    assert keeper.acquire(timeout=0)


def test_a_lock_ends_with_the_process_that_was_killed(tmp_path):
    code = f"import sys,time; sys.path.insert(0, {str(home.CHECKOUT)!r}); from pathlib import Path; from telemkt.stack.locks import FileLock; lock = FileLock(Path({str(tmp_path / 'lock')!r})); lock.acquire(); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        assert is_held(tmp_path / "lock")
        holder.kill()

    assert not is_held(tmp_path / "lock")


# -- Programs ----------------------------------------------------------------------------------------------------------


def test_what_fails_again_and_again_is_started_ever_later():
    backoff = processes.Backoff(first=1, longest=5, quiet=60)

    assert [backoff.next(at) for at in (0, 2, 4, 8, 14)] == [1, 2, 4, 5, 5]


def test_after_a_quiet_while_a_failure_counts_as_the_first():
    backoff = processes.Backoff(first=1, longest=5, quiet=60)
    backoff.next(0)
    backoff.next(2)

    assert backoff.next(63) == 1


def test_a_program_that_ended_is_started_again_when_its_time_has_come(empty_home):
    servers.make_home()
    child = supervisor.Child(programs.Program("short", [sys.executable, "-c", "raise SystemExit(3)"]))
    child.start()
    child.process.wait()

    said = child.look(at=100.0)

    assert said.startswith("short ended with code 3; starting it again in 0.2 s")
    assert child.look(at=100.1) == ""
    assert child.process is None
    child.look(at=100.3)
    assert child.process is not None
    child.wait_for_end()


def test_a_program_that_does_not_end_when_asked_is_killed(empty_home):
    servers.make_home()
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    child = supervisor.Child(programs.Program("deaf", [sys.executable, "-c", code], grace=0.2))
    child.start()
    process = child.process
    while b"on" not in child.program.log.read_bytes():
        pass

    child.ask_to_stop()
    child.wait_for_end()

    assert process.returncode == -9


def test_a_second_start_on_the_same_home_says_so(empty_home, monkeypatch):
    monkeypatch.setattr(servers, "leave_and_wait", list)  # this process goes on using its own
    servers.make_home()
    first, second = supervisor.Supervisor(8001), supervisor.Supervisor(8002)
    first._be_the_only_one()
    first._write_state()

    with pytest.raises(Trouble) as error:
        second.start()
    second.stop()

    assert str(error.value) == (
        f"telemkt already runs on {empty_home}, at http://127.0.0.1:8001/. Stop it there with Ctrl-C."
    )
    assert first.state.exists()
    first.stop()
    assert not first.state.exists()


def test_every_queue_has_a_worker():
    from telemkt import celery_app

    named = {
        program.argv[program.argv.index("--queues") + 1]
        for program in programs.all_programs(8000)
        if "--queues" in program.argv
    }

    assert named == {queue.name for queue in celery_app.conf.task_queues}


def test_web_starts_last_and_listens_on_this_machine_only():
    web = programs.all_programs(8123)[-1]

    assert web.name == "web"
    assert "127.0.0.1:8123" in web.argv


# -- The first start ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_demo_is_made_where_nobody_is_yet(empty_home, monkeypatch):
    servers.make_home()
    monkeypatch.delenv("DEMO", raising=False)

    assert prepare.wants_demo()


@pytest.mark.django_db
def test_the_demo_is_not_made_when_it_is_not_wanted(empty_home, monkeypatch):
    servers.make_home()
    monkeypatch.setenv("DEMO", "0")

    assert not prepare.wants_demo()


def test_the_demo_is_not_made_among_people(empty_home, monkeypatch, django_user_model, db):
    servers.make_home()
    monkeypatch.delenv("DEMO", raising=False)
    django_user_model.objects.create(username="somebody")

    assert not prepare.wants_demo()


def test_the_demo_accounts_are_shown_as_a_table(empty_home):
    servers.make_home()
    home.accounts_file().write_text(
        json.dumps([{"role": "agent", "login": "agent1", "password": "pw", "language": "zh-hans"}])
    )

    assert accounts.shown() == ("  role   login   password  language\n  agent  agent1  pw        zh-hans\n")


def test_without_a_demo_the_way_to_an_account_is_shown(empty_home):
    assert "manage.py create_admin LOGIN" in accounts.shown()


def test_the_demos_agents_work_where_there_is_a_demo_and_nobody_sent_them_home(empty_home, monkeypatch):
    assert not programs.plays_demo()

    home.home().mkdir(parents=True, exist_ok=True)
    home.accounts_file().write_text("[]")
    assert "demo" in [program.name for program in programs.all_programs(8000)]

    monkeypatch.setenv("DEMO", "0")
    assert not programs.plays_demo()


@pytest.mark.parametrize(
    ("megabytes", "buffers", "cache"),
    [(1_024, "128MB", "512MB"), (8_192, "512MB", "4096MB"), (262_144, "1536MB", "131072MB")],
)
def test_the_database_takes_a_share_of_the_memory_that_leaves_room_for_the_rest(megabytes, buffers, cache):
    assert postgres.by_memory(megabytes) == {"shared_buffers": buffers, "effective_cache_size": cache}


def test_what_a_container_may_have_counts_not_what_the_machine_has(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(postgres, "CGROUP_LIMIT", limit)
    limit.write_text("536870912\n")
    assert postgres.memory_mb() == 512
    limit.write_text("max\n")
    assert postgres.memory_mb() > 512
