// SPDX-License-Identifier: Apache-2.0
// The whole of libpq's client interface. Imported by the target Postgres only.
#ifndef SHARDLINE_CLIBPQ_SHIM_H
#define SHARDLINE_CLIBPQ_SHIM_H

#include <libpq-fe.h>

// The field codes of PQresultErrorField are character macros, which Swift does not import as int.
enum {
    clibpq_field_severity = PG_DIAG_SEVERITY_NONLOCALIZED,
    clibpq_field_sqlstate = PG_DIAG_SQLSTATE,
    clibpq_field_message = PG_DIAG_MESSAGE_PRIMARY,
    clibpq_field_detail = PG_DIAG_MESSAGE_DETAIL,
    clibpq_field_hint = PG_DIAG_MESSAGE_HINT,
    clibpq_field_constraint = PG_DIAG_CONSTRAINT_NAME
};

#endif
