"""One bad line for every pattern of code.yaml, and a good one beside it."""

import contextlib
import datetime
import json
from contextlib import suppress

import numpy as np
import pandas as pd
import yaml
from importlib.resources import files
from psycopg2 import extras, sql

# ruleid: no-code-in-data
import pickle

# ruleid: no-code-in-data
import joblib

# ruleid: no-code-in-data
import dill

# ruleid: no-code-in-data
import cloudpickle

# ruleid: no-code-in-data
import marshal

# ruleid: no-code-in-data
import shelve

# ruleid: no-code-in-data
from pickle import loads

# ruleid: no-code-in-data
from joblib import load

# ok: no-code-in-data
from json import loads as parse


def data(text, file):
    # ruleid: no-code-in-data
    eval(text)
    # ruleid: no-code-in-data
    exec(text)
    # ruleid: no-code-in-data
    np.load(file, allow_pickle=True)
    # ruleid: no-code-in-data
    pd.read_pickle(file)
    # ruleid: no-code-in-data
    yaml.load(text)
    # ok: no-code-in-data
    yaml.safe_load(text)
    # ok: no-code-in-data
    np.load(file)
    # ok: no-code-in-data
    return json.loads(text)


COLUMNS = "symbol, side"


def statements(cursor, name, value, rows):
    # ruleid: no-sql-from-text
    cursor.execute(f"SELECT * FROM trades WHERE symbol = '{value}'")
    # ruleid: no-sql-from-text
    cursor.execute("SELECT * FROM {}".format(name))
    # ruleid: no-sql-from-text
    cursor.execute("SELECT * FROM trades WHERE symbol = '%s'" % value)
    # ruleid: no-sql-from-text
    cursor.execute("SELECT * FROM " + name)
    # ruleid: no-sql-from-text
    cursor.executemany(f"DELETE FROM {name} WHERE id = %s", rows)
    # ruleid: no-sql-from-text
    extras.execute_values(cursor, f"INSERT INTO {name} VALUES %s", rows)
    # ruleid: no-sql-from-text
    sql.SQL(f"SELECT * FROM {name}")
    # ruleid: no-sql-from-text
    cursor.execute("SELECT * FROM x".replace("x", name))
    later = f"SELECT * FROM {name}"
    # ruleid: no-sql-from-text
    cursor.execute(later)
    grown = "SELECT * FROM trades"
    grown += " WHERE symbol = '" + value + "'"
    # ruleid: no-sql-from-text
    cursor.execute(grown)
    # ok: no-sql-from-text
    cursor.execute("SELECT * FROM trades WHERE symbol = %s", (value,))
    # ok: no-sql-from-text
    cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
    # ok: no-sql-from-text
    cursor.execute(f"SELECT {COLUMNS} FROM trades")
    # ok: no-sql-from-text
    cursor.execute(files("queries").joinpath(f"{name}.sql").read_text())
    # ok: no-sql-from-text
    cursor.execute("SELECT to_regclass(%s)", (f"public.{name}",))


def errors(work, items):
    # ruleid: no-swallowed-error
    try:
        work()
    except Exception:
        pass
    # ruleid: no-swallowed-error
    try:
        work()
    except ValueError as exc:
        pass
    # ruleid: no-swallowed-error
    try:
        work()
    except:
        raise
    for item in items:
        # ruleid: no-swallowed-error
        try:
            work(item)
        except ValueError:
            continue
    # ruleid: no-swallowed-error
    with suppress(Exception):
        work()
    # ruleid: no-swallowed-error
    with contextlib.suppress(OSError, BaseException):
        work()
    # ok: no-swallowed-error
    with suppress(ProcessLookupError):
        work()
    # ok: no-swallowed-error
    try:
        work()
    except ValueError as exc:
        raise RuntimeError("say what to do") from exc


def words(logger, click):
    # ruleid: no-print
    print("done")
    # ok: no-print
    logger.info("done")
    # ok: no-print
    click.echo("done")


def clocks(seconds):
    # ruleid: no-clock-without-zone
    datetime.datetime.now()
    # ruleid: no-clock-without-zone
    datetime.datetime.utcnow()
    # ruleid: no-clock-without-zone
    datetime.datetime.utcfromtimestamp(seconds)
    # ruleid: no-clock-without-zone
    datetime.datetime.fromtimestamp(seconds)
    # ruleid: no-clock-without-zone
    datetime.datetime.today()
    # ruleid: no-clock-without-zone
    datetime.date.today()
    # ok: no-clock-without-zone
    datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    # ok: no-clock-without-zone
    return datetime.datetime.now(datetime.UTC)
