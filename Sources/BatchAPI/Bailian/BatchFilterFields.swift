// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore

/// The conditions of a list of batches in the manner of Bailian. (contracts: Bailian list filters)
///
/// Each parameter may be written as it is or inside `extra_query[…]`, as the vendor's own Node example sends it; when
/// both are there, the plain one counts.
enum BatchFilterFields {
    /// Most input files that a list may name.
    static let inputFilesMax = 20
    /// Longest part of a name, in Unicode scalars: as long as a name may be.
    static let namePartMax = 100

    /// The conditions that `query` states.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that names the parameter.
    static func read(_ query: QueryParameters, _ limits: BailianLimits) throws -> BatchFilter {
        var filter = BatchFilter()
        if limits.listedSeconds > 0 { filter.ageMax = .seconds(limits.listedSeconds) }
        if let part = text("ds_name", query), !part.isEmpty {
            guard part.unicodeScalars.count <= namePartMax else {
                throw BatchError.invalid(
                    "Invalid 'ds_name': expected at most \(namePartMax) characters, but got "
                        + "\(part.unicodeScalars.count) instead.", code: "string_above_max_length", param: "ds_name")
            }
            filter.namePart = part
        }
        filter.inputFileIDs = try inputFiles(query)
        filter.statuses = try statuses(query)
        filter.createdFrom = try moment("create_after", query, limits)
        filter.createdTo = try moment("create_before", query, limits)
        if let from = filter.createdFrom, let to = filter.createdTo, from > to {
            throw BatchError.invalid(
                "Invalid 'create_before': it is earlier than 'create_after', so that no batch can match.",
                code: "invalid_value", param: "create_before")
        }
        return filter
    }

    private static func text(_ name: String, _ query: QueryParameters) -> String? {
        query[name] ?? query["extra_query[\(name)]"]
    }

    private static func list(_ name: String, _ query: QueryParameters) -> [String] {
        (text(name, query) ?? "").split(separator: ",").map { entry in
            String(entry.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty }
    }

    private static func inputFiles(_ query: QueryParameters) throws -> [String] {
        let files = list("input_file_ids", query)
        guard files.count <= inputFilesMax else {
            throw BatchError.invalid(
                "Invalid 'input_file_ids': expected at most \(inputFilesMax) file ids separated by commas, but got "
                    + "\(files.count) instead.", code: "array_above_max_length", param: "input_file_ids")
        }
        return files
    }

    private static func statuses(_ query: QueryParameters) throws -> [BatchStatus] {
        try list("status", query).map { word in
            guard let status = BatchStatus(rawValue: word) else {
                throw BatchError.invalidValue(
                    word, param: "status", supported: BatchStatus.allCases.map(\.rawValue))
            }
            return status
        }
    }

    private static func moment(_ name: String, _ query: QueryParameters, _ limits: BailianLimits) throws -> Int64? {
        guard let text = text(name, query) else { return nil }
        guard let moment = CompactMoment.unixSeconds(text, utcOffsetMinutes: limits.utcOffsetMinutes) else {
            throw BatchError.invalid(
                "Invalid '\(name)': '\(text.prefix(40))' is no moment; write it as yyyyMMddHHmmss, such as "
                    + "20250304123000.", code: "invalid_value", param: name)
        }
        return moment
    }
}
