// SPDX-License-Identifier: Apache-2.0
import CLibpq

/// Names and types of a result's columns.
final class ResultColumns {
    /// In order of the select list.
    let names: [String]
    /// In the same order.
    let types: [PostgresType]

    /// Reads them off a result.
    init(_ result: OpaquePointer) {
        let count = PQnfields(result)
        names = (0..<count).map { column in PQfname(result, column).map { String(cString: $0) } ?? "" }
        types = (0..<count).map { PostgresType(rawValue: PQftype(result, $0)) }
    }
}

/// Owner of one `PGresult`; freed with the last row that refers to it. Used on the connection's thread only.
final class QueryResult {
    /// libpq's result, never nil while this object lives.
    let pointer: OpaquePointer
    /// Shared by the rows of single-row mode, where each row is a result of its own.
    private(set) lazy var columns = ResultColumns(pointer)

    /// Takes over a result.
    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { PQclear(pointer) }

    /// Uses the columns of an earlier row of the same statement.
    func share(_ columns: ResultColumns) {
        self.columns = columns
    }

    /// What kind of answer it is.
    var status: ExecStatusType { PQresultStatus(pointer) }

    /// All rows.
    var rows: [Row] { (0..<PQntuples(pointer)).map { Row(result: self, index: $0) } }

    /// Rows touched by INSERT, UPDATE, DELETE, COPY…; 0 for everything else.
    var affected: Int { PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// The command tag, for example `ROLLBACK`.
    var commandTag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }

    /// One value; the bytes live as long as this object.
    func value(row: Int32, column: Int) -> PostgresValue {
        let index = Int32(column)
        let type = columns.types[column]
        if PQgetisnull(pointer, row, index) == 1 { return PostgresValue(type: type, bytes: nil) }
        let length = Int(PQgetlength(pointer, row, index))
        return PostgresValue(
            type: type, bytes: UnsafeRawBufferPointer(start: PQgetvalue(pointer, row, index), count: length))
    }

    /// The error this result reports.
    func error(statement: String?, connectionIsBad: Bool) -> PostgresError {
        let fatal = ["FATAL", "PANIC"].contains(field(clibpq_field_severity) ?? "")
        let lost = connectionIsBad || fatal
        let code: PostgresErrorCode =
            if let sqlstate = field(clibpq_field_sqlstate) {
                PostgresErrorCode(sqlstate: sqlstate)
            } else {
                connectionIsBad ? .connectionFailure : .other(sqlstate: "XX000")
            }
        let message = field(clibpq_field_message) ?? String(cString: PQresultErrorMessage(pointer))
        return PostgresError(
            code: code, message: message.trimmedLine, detail: field(clibpq_field_detail),
            hint: field(clibpq_field_hint), constraint: field(clibpq_field_constraint), statement: statement,
            isConnectionLost: lost)
    }

    private func field(_ code: Int) -> String? {
        PQresultErrorField(pointer, Int32(code)).map { String(cString: $0) }
    }
}

extension String {
    /// The text on one line: line breaks become spaces, none at the end.
    var trimmedLine: String {
        split(whereSeparator: \.isNewline).map { line in
            let start = line.drop(while: \.isWhitespace)
            return String(start)
        }.joined(separator: " ")
    }
}
