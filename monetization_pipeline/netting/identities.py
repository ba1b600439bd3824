"""Identities of records that come without one (rule 2): a hash of what the record says, and its ordinal among equals.

For ingest, which alone has a whole file before it: its table `staged` says which ids are `generated`, and tells apart
by `file_no` and `scope` the files, or requests, within which equal records are counted.
"""

#: Characters of an MD5 in hexadecimal.
_HASH = 32


def made_id_sql(record_hash: str) -> str:
    """SQL of an event_id, of SQL of a record's MD5 in hexadecimal: the id of the first of records that are equal."""
    return f"{record_hash} || '-1'"


#: Equal records of one file (or request) are several events: give the second and later ones their ordinal.
NUMBER_REPEATS_SQL = f"""
    UPDATE staged SET event_id = left(staged.event_id, {_HASH} + 1) || numbered.ordinal
    FROM (
        SELECT rowid AS id, row_number() OVER (PARTITION BY file_no, scope, event_id ORDER BY line, record) AS ordinal
        FROM staged
        WHERE generated AND outcome IN ('event', 'void', 'replacement') AND (file_no, scope, event_id) IN (
            SELECT (file_no, scope, event_id) FROM staged
            WHERE generated AND outcome IN ('event', 'void', 'replacement')
            GROUP BY file_no, scope, event_id HAVING count(*) > 1)
    ) AS numbered
    WHERE staged.rowid = numbered.id AND numbered.ordinal > 1"""
