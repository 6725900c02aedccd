"""What a statement names tells whether it stays inside a database of its own."""

import pytest

from dynaurora.plugins.beyond import beyond
from dynaurora.sql.mysql_places import position_in

DATABASES = {"shop", "other", "mysql"}


@pytest.mark.parametrize(
    "statement",
    [
        "create table shop.log (id int)",
        "create table if not exists `Shop`.`log` (id int)",
        'create table if not exists "shop" . log (id int)',
        "create table log like other.log",
        "create table log (id int references shop.items (id))",
        "create or replace view seen as select * from a, other.b",
        "create index log_at on shop.log (at)",
        "create trigger t before insert on shop.log for each row set new.id = 1",
        "create table log select l.id from shop.log as l",
        "alter table log rename to other.log",
        "rename table log to other.log",
        "drop table if exists log, shop.log",
        "insert into log select * from staged join other.log as l on l.id = staged.id",
        "delete l from shop.log as l where 1 = 1",
        "create table shop (id int) select * from shop.items",
        "update items set v = (select max(v) from shop.log)",
        "select mysql.secret()",
        "create table if not exists /*!80017 shop. */ log (id int)",
        "create table if not exists /*M! shop.*/log (id int)",
    ],
)
def test_a_database_that_is_named_is_found(statement):
    why, offset = beyond(statement, "mysql", DATABASES)
    assert why.startswith("it names the database")
    assert statement[offset:].strip('`"').lower().startswith(("shop", "other", "mysql"))


@pytest.mark.parametrize(
    "statement",
    [
        "create database more",
        "create schema if not exists more",
        "create user somebody",
        "create or replace event later on schedule every 1 day do delete from log",
        "drop database shop",
        "alter user root identified by ''",
        "grant all on *.* to somebody",
        "set global max_connections = 1",
        "call something()",
        "use shop",
        "load data infile 'x' into table log",
        "flush tables",
        "",
    ],
)
def test_what_no_database_holds_is_found(statement):
    assert beyond(statement, "mysql", DATABASES) == ("it does more than a database holds", 0)


@pytest.mark.parametrize(
    "statement",
    [
        "create table if not exists log (id int, price decimal(5,2) default 1.5)",
        "create unique index log_at on log (at)",
        "create or replace view seen as select l.id from log as l where l.v = 'shop.log'",
        "create trigger t before insert on log for each row set new.id = old.id",
        "create function twice(a int) returns int deterministic return a * 2",
        "alter table log add column v int -- not in shop.log",
        "insert into log (id) values (1)",
        "select shop.id from items as shop",
        "insert into shop (id) select id from staged on duplicate key update shop.n = shop.n + 1",
        "delete shop from items as shop join removed as r on r.id = shop.id",
        "drop view if exists seen",
        "create table log (id int) /*! default character set utf8mb4 */ /* as in shop.log */",
    ],
)
def test_what_stays_inside_is_let_go_on(statement):
    assert beyond(statement, "mysql", DATABASES) is None


@pytest.mark.parametrize(
    ("statement", "message", "at"),
    [
        ("select a form b", "… to use near 'b' at line 1", "b"),
        ("select 1 form\n form b", "… to use near 'form b' at line 2", "form b"),
        ("select", "… to use near '' at line 1", ""),
        ("select l.nix from log as l", "Unknown column 'l.nix' in 'field list'", "nix"),
        ("select 1 from logs", "Table 'test_1_preview_0123abcd.logs' doesn't exist", "logs"),
        ("select no(1)", "FUNCTION test_1.no does not exist", "no"),
    ],
)
def test_what_a_message_quotes_is_found_in_the_statement(statement, message, at):
    position = position_in(statement, message)
    assert statement[position - 1 :].startswith(at)


@pytest.mark.parametrize(
    "message", ["Unknown column 'v' in 'where clause'", "Column count doesn't match value count"]
)
def test_what_is_there_twice_or_not_quoted_has_no_place(message):
    assert position_in("select v from log where v = 1", message) is None
