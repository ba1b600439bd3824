"""Files in customers/: what is read from them, what is refused, and what makes a whole file unusable."""

from datetime import UTC, datetime

import pytest

from monetization_pipeline.customers.loading import load_changes, load_records
from monetization_pipeline.customers.models import EntityChange, EntityKind
from monetization_pipeline.customers.records import CustomersFileError, FileRecord, FileRefusal

COMPANY, USER, SUBSCRIPTION = EntityKind.COMPANY, EntityKind.USER, EntityKind.SUBSCRIPTION
RECEIVED = datetime(2024, 6, 1, tzinfo=UTC)

YAML = """\
# Künde
companies:
- company_id: acmé
  name: no
  email: null
  metadata: {score: 1.50, tags: [a, 007], since: 2024-01-01}

users: [{user_id: 1, company_id: acmé}, {user_id: 2}]
subscriptions:
"""


def test_yaml_keeps_scalars_as_text_and_knows_where_records_stand() -> None:
    assert load_records("customers/acme.yaml", YAML.encode()) == [
        FileRecord(
            3,
            1,
            COMPANY,
            {
                "company_id": "acmé",
                "name": "no",
                "email": None,
                "metadata": {"score": "1.50", "tags": ["a", "007"], "since": "2024-01-01"},
            },
            "company_id: acmé\n  name: no\n  email: null\n  metadata: {score: 1.50, tags: [a, 007], since: 2024-01-01}",
        ),
        FileRecord(8, 1, USER, {"user_id": "1", "company_id": "acmé"}, "{user_id: 1, company_id: acmé}"),
        FileRecord(8, 2, USER, {"user_id": "2"}, "{user_id: 2}"),
    ]


def test_csv_nests_dotted_columns_and_leaves_empty_values_out() -> None:
    data = (
        "\ufeffcompany_id, name ,metadata.tier,metadata.owner.name\r\n"
        'acme, "Acme, Inc.",gold,Ann\r\n'
        "\r\n"
        ",,,\r\n"
        'globex,"Globex\nCorp",,\r\n'
        "0042,,1.50,\r\n"
    )
    assert load_records("companies-2024.csv", data.encode()) == [
        FileRecord(
            2,
            1,
            COMPANY,
            {"company_id": "acme", "name": "Acme, Inc.", "metadata": {"tier": "gold", "owner": {"name": "Ann"}}},
            'acme, "Acme, Inc.",gold,Ann',
        ),
        FileRecord(5, 1, COMPANY, {"company_id": "globex", "name": "Globex\nCorp"}, 'globex,"Globex\nCorp",,'),
        FileRecord(7, 1, COMPANY, {"company_id": "0042", "metadata": {"tier": "1.50"}}, "0042,,1.50,"),
    ]


REFUSED = {
    "a YAML record that is text": (
        "a.yaml",
        "users:\n- u1\n",
        FileRefusal(2, 1, "is not a record; write its fields, such as user_id: abc", "u1"),
    ),
    "a field twice": (
        "a.yml",
        "users:\n- user_id: u1\n  user_id: u2\n",
        FileRefusal(2, 1, "'user_id' stands twice, again on line 3; keep one", "user_id: u1\n  user_id: u2"),
    ),
    "a key that is a list": (
        "a.yml",
        "users:\n- ? [a]\n  : b\n",
        FileRefusal(2, 1, "the key on line 2 must be plain text", "? [a]\n  : b"),
    ),
    "a record that contains itself": (
        "a.yml",
        "users:\n- &u\n  user_id: a\n  metadata: *u\n",
        FileRefusal(2, 1, "'metadata' contains itself through an alias", "&u\n  user_id: a\n  metadata: *u"),
    ),
    "a record too deep": (
        "a.yml",
        "users:\n- {user_id: u, metadata: " + "[" * 64 + "]" * 64 + "}\n",
        FileRefusal(
            2, 1, "'metadata' is nested more than 64 levels deep", "{user_id: u, metadata: " + "[" * 64 + "]" * 64 + "}"
        ),
    ),
    "a CSV row with too many values": (
        "users.csv",
        "user_id,company_id\nu1,Acme, Inc.\n",
        FileRefusal(2, 1, "has 3 values where the header has 2; quote a value that has a comma in it", "u1,Acme, Inc."),
    ),
    "a CSV row with too few values": (
        "users.csv",
        "user_id,company_id\nu1\n",
        FileRefusal(2, 1, "has 1 values where the header has 2; quote a value that has a comma in it", "u1"),
    ),
    "a record that means nothing": (
        "subscriptions.csv",
        "subscription_id,company_id,end_at\ns,c,soon\n",
        FileRefusal(2, 1, "end_at 'soon' is not a time; write it like 2024-05-01T00:00:00Z or 2024-05-01", "s,c,soon"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_records(name: str) -> None:
    file, text, expected = REFUSED[name]
    assert list(load_changes(file, text.encode(), received_at=RECEIVED, source="customers")) == [expected]


def test_a_misspelt_field_is_refused_with_the_fields_there_are() -> None:
    data = b"subscriptions:\n- {subscription_id: s, company_id: c, ends_at: 2024-01-01}\n"
    (refusal,) = load_records("a.yaml", data)
    assert isinstance(refusal, FileRefusal)
    assert refusal.reason.startswith("'ends_at' is not a field of a subscription; known are cancel_time, collection_")
    assert refusal.reason.endswith("anything else may go into metadata")


BROKEN = {
    "YAML that does not parse": (
        "a.yaml",
        b"companies:\n- company_id: [a\n",
        "a.yaml:3: is not valid YAML: while parsing a flow sequence: did not find expected ',' or ']'",
    ),
    "a tab in YAML": (
        "a.yaml",
        b"companies:\n\t- a\n",
        "a.yaml:2: is not valid YAML: while scanning for the next token: found character that cannot start any token",
    ),
    "two documents in one file": (
        "a.yaml",
        b"users: []\n---\nusers: []\n",
        "a.yaml:2: is not valid YAML: expected a single document in the stream: but found another document",
    ),
    "a key that is none of the three": (
        "a.yaml",
        b"users: []\ncompany: []\n",
        "a.yaml:2 (company): is not a known key; write companies, users, subscriptions",
    ),
    "a key twice": ("a.yaml", b"users: []\nusers: []\n", "a.yaml:2 (users): stands twice; keep one"),
    "a mapping where a list is due": (
        "a.yaml",
        b"users:\n  u1: acme\n",
        "a.yaml:1 (users): must be a list; start each record with a dash",
    ),
    "a list at the top": (
        "a.yaml",
        b"- user_id: u\n",
        "a.yaml:1: must hold companies, users, subscriptions, each a list",
    ),
    "text that is not UTF-8": (
        "a.yaml",
        b"users:\n- {user_id: \xe4}\n",
        "a.yaml:2: is not UTF-8 text; save it as UTF-8",
    ),
    "a name that says no kind": (
        "dir/acme.csv",
        b"company_id\na\n",
        "dir/acme.csv: does not say what it holds; name it companies*.csv, users*.csv, subscriptions*.csv",
    ),
    "a format that is not read": (
        "companies.xlsx",
        b"",
        "companies.xlsx: is of no known kind; its name must end in .yaml, .yml, .csv",
    ),
    "quotes that do not close": (
        "users.csv",
        b'user_id,company_id\nu1,a\nu2,"b\nu3,c\n',
        "users.csv:3: is not valid CSV: unexpected end of data",
    ),
    "a column twice": ("users.csv", b"user_id,user_id\n", "users.csv:1 (user_id): stands twice; keep one"),
    "a column without a name": (
        "users.csv",
        b"user_id,\nu,\n",
        "users.csv:1: has a column without a name; name each one",
    ),
    "a column that is a value and an object": (
        "users.csv",
        b"user_id,metadata,metadata.a\n",
        "users.csv:1 (metadata): has a value and parts of its own; keep the one or the other",
    ),
    "no column for the id": (
        "users.csv",
        b"company_id\na\n",
        "users.csv:1: has no column user_id; name it in the first line, columns separated by commas",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_cannot_be_used(name: str) -> None:
    file, data, message = BROKEN[name]
    with pytest.raises(CustomersFileError) as error:
        load_records(file, data)
    assert str(error.value) == message


def test_a_misspelt_column_makes_the_file_unusable() -> None:
    with pytest.raises(CustomersFileError, match=r"^users.csv:1 \(comapny_id\): is not a field of a user; known are "):
        load_records("users.csv", b"user_id,comapny_id\nu,c\n")


EMPTY = {
    "an empty YAML file": ("a.yaml", b""),
    "a YAML file of comments": ("a.yaml", b"# nothing\n"),
    "keys without records": ("a.yaml", b"companies:\nusers: []\n"),
    "an empty CSV file": ("users.csv", b""),
    "a CSV file with a header alone": ("users.csv", b"user_id\n"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_read(name: str) -> None:
    file, data = EMPTY[name]
    assert load_records(file, data) == []


def test_changes_carry_the_name_in_landing_and_their_place() -> None:
    data = b"users:\n- {user_id: u}\n- {user_id: v, valid_from: 2024-01-01}\n"
    changes = list(load_changes("a.yaml", data, received_at=RECEIVED, source="customers", landing_file="x-a.yaml"))
    assert changes == [
        EntityChange(USER, "u", None, RECEIVED, "customers", "x-a.yaml", 2, 1, {"user_id": "u"}, None, "a.yaml"),
        EntityChange(
            USER,
            "v",
            datetime(2024, 1, 1, tzinfo=UTC),
            RECEIVED,
            "customers",
            "x-a.yaml",
            3,
            1,
            {"user_id": "v", "valid_from": "2024-01-01"},
            None,
            "a.yaml",
        ),
    ]
