// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Row {
    /// A column that holds a lane's number.
    func lane(_ column: String) throws -> Lane {
        let number = try self[column, as: Int16.self]
        guard let lane = Lane(rawValue: number) else {
            throw RowMismatch(description: "column \(column) holds \(number), which is no lane this program knows")
        }
        return lane
    }
}
