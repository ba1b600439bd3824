"""Rows of a ledger as the first version of its tables held them: the invoice `in_a` of tests/ledger, booked in July."""

INVOICE_ROW: dict[str, object] = {
    "invoice_id": "in_a",
    "revision": 1,
    "company_id": "acme",
    "subscription_id": "sub_1",
    "currency": "USD",
    "bill_at": "2023-08-01T00:00:00.000000Z",
    "billing_period": "2023-07",
    "total": "100.01",
    "content_hash": "58624307c7e4b2a4e8389317e23b5bd95d2dfa8d9c10ae39c7abb4d0e01068b0",
    "content_json": '{"bill_at":"2023-08-01T00:00:00Z","company_id":"acme","currency":"USD","invoice_id":"in_a",'
    '"lines":['
    '{"amount":"1.01","description":"Größe ✓","exact_amount":"1.010000000000000000000001","line_id":"ln_in_a_0",'
    '"meter_id":"api_calls","period_end":"2023-08-01T00:00:00Z","period_start":"2023-07-01T00:00:00Z",'
    '"price_id":"price_0","quantity":"1234.500000000001","subscription_id":"sub_1"},'
    '{"amount":"99.00","description":"Größe ✓","exact_amount":"99.000000000000000000000001","line_id":"ln_in_a_1",'
    '"meter_id":null,"period_end":"2023-08-01T00:00:00Z","period_start":"2023-07-01T00:00:00Z",'
    '"price_id":"price_1","quantity":"1234.500000000001","subscription_id":"sub_1"}'
    '],"subscription_id":"sub_1","total":"100.01"}',
    "as_of": "2023-08-02T00:00:00.000000Z",
    "booked_at": "2023-08-02T07:30:00.123456Z",
    "booked_by": "tester",
    "reason": "close of July",
}

LINE_ROWS: list[dict[str, object]] = [
    {
        "invoice_id": "in_a",
        "revision": 1,
        "position": 0,
        "line_id": "ln_in_a_0",
        "subscription_id": "sub_1",
        "price_id": "price_0",
        "meter_id": "api_calls",
        "period_start": "2023-07-01T00:00:00.000000Z",
        "period_end": "2023-08-01T00:00:00.000000Z",
        "quantity": "1234.500000000001",
        "amount": "1.01",
        "exact_amount": "1.010000000000000000000001",
        "description": "Größe ✓",
    },
    {
        "invoice_id": "in_a",
        "revision": 1,
        "position": 1,
        "line_id": "ln_in_a_1",
        "subscription_id": "sub_1",
        "price_id": "price_1",
        "meter_id": None,
        "period_start": "2023-07-01T00:00:00.000000Z",
        "period_end": "2023-08-01T00:00:00.000000Z",
        "quantity": "1234.500000000001",
        "amount": "99.00",
        "exact_amount": "99.000000000000000000000001",
        "description": "Größe ✓",
    },
]
