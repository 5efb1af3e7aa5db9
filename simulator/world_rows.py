"""The statements that put many rows of a world document in place at once."""

from __future__ import annotations

ENTERPRISE_ROWS = """
    INSERT INTO simulator_enterprise
        (uid, org_uid, sp_enterprise_id, provisioning_id, cluster, is_enterprise, "group", region,
         problem, attempts, until)
    SELECT gen_random_uuid(), gen_random_uuid(), v.id, v.home, v.cluster, v.is_enterprise::boolean,
           v.team, v.region, v.problem, v.attempts::integer, v.until::timestamptz
    FROM (VALUES %s) AS v (id, home, cluster, is_enterprise, team, region, problem, attempts, until)
    ON CONFLICT (cluster, sp_enterprise_id) DO UPDATE SET
        provisioning_id = excluded.provisioning_id, is_enterprise = excluded.is_enterprise,
        "group" = excluded."group", region = excluded.region, problem = excluded.problem,
        attempts = excluded.attempts, until = excluded.until
"""

USER_ROWS = """
    INSERT INTO simulator_broadworks_user
        (user_key, user_id, password, first_name, last_name, sp_enterprise_id, provisioning_id,
         "group", number, extension, mobile, package, im_p, assign_at, locked, locked_answer,
         answer_status, failures, max_failures, password_expires_days)
    SELECT v.k, v.u, v.pw, v.f, v.l, v.e, v.home, v.g, v.n, v.x, v.m, v.pk, v.im::boolean,
           v.due::timestamptz, v.locked::boolean, v.answer, v.status::integer, 0,
           v.most::integer, v.days::integer
    FROM (VALUES %s) AS v (k, u, pw, f, l, e, home, g, n, x, m, pk, im, due, locked, answer,
                           status, most, days)
    ON CONFLICT (user_key) DO UPDATE SET
        user_id = excluded.user_id, password = excluded.password,
        first_name = excluded.first_name, last_name = excluded.last_name,
        sp_enterprise_id = excluded.sp_enterprise_id, provisioning_id = excluded.provisioning_id,
        "group" = excluded."group", number = excluded.number, extension = excluded.extension,
        mobile = excluded.mobile, package = excluded.package, im_p = excluded.im_p,
        assign_at = excluded.assign_at, locked = excluded.locked,
        locked_answer = excluded.locked_answer,
        answer_status = excluded.answer_status, failures = 0,
        max_failures = excluded.max_failures,
        password_expires_days = excluded.password_expires_days
"""

# The time of the last status change never goes back, and moves only when status or errors do.
SUBSCRIBER_ROWS = """
    INSERT INTO simulator_subscriber AS s
        (uid, account_id, provisioning_id, cluster, sp_enterprise_id, user_id, user_key, keyed,
         first_name, last_name, email, email_key, primary_phone, mobile_phone, extension, timezone,
         language, package, status, errors, self_activated, created, last_status_change,
         person_uid, due_status, due_errors, changes)
    SELECT gen_random_uuid(), v.account::bigint, v.home, v.cluster, v.e, v.u, v.k, true, v.f, v.l,
           v.mail, v.mail_key, v.p, v.m, v.x, '', '', v.pk, v.status, v.errors::jsonb,
           v.self::boolean, date_trunc('milliseconds', v.made::timestamptz),
           date_trunc('milliseconds', v.changed::timestamptz),
           CASE WHEN v.person::boolean THEN gen_random_uuid() END, '', '[]', '{}'
    FROM (VALUES %s) AS v (account, home, cluster, e, u, k, f, l, mail, mail_key, p, m, x, pk,
                           status, errors, self, made, changed, person)
    ON CONFLICT (provisioning_id, sp_enterprise_id, user_key) WHERE keyed DO UPDATE SET
        user_id = excluded.user_id, first_name = excluded.first_name,
        last_name = excluded.last_name, email = excluded.email, email_key = excluded.email_key,
        primary_phone = excluded.primary_phone, mobile_phone = excluded.mobile_phone,
        extension = excluded.extension, package = excluded.package, status = excluded.status,
        errors = excluded.errors, self_activated = excluded.self_activated,
        person_uid = coalesce(s.person_uid, excluded.person_uid),
        last_status_change = CASE
            WHEN s.status = excluded.status AND s.errors = excluded.errors
            THEN s.last_status_change
            ELSE greatest(excluded.last_status_change,
                          s.last_status_change + interval '1 millisecond') END,
        due_at = NULL, due_status = '', due_errors = '[]', changes = '{}'
"""
