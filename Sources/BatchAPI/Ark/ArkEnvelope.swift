// SPDX-License-Identifier: Apache-2.0

import BatchCore
import HTTPTypes

/// The outer object of everything that Ark's control plane answers. (contracts: Ark envelope)
///
/// Without `ResponseMetadata` the SDKs would report an error of their own making.
struct ArkEnvelope: Sendable {
    /// The request's name, the same as in the log.
    let requestID: String
    /// `Action` as the request named it; empty when it did not.
    let action: String
    /// `Version` likewise.
    let version: String
    /// The region that the caller signed for.
    let region: String

    /// The region that answers name when the request was not verified.
    static let standardRegion = "cn-beijing"
    /// Longest action or version that is repeated in an answer, in bytes.
    private static let echoBytesMax = 64

    /// The envelope of a request with this query.
    init(requestID: String, query: SignedQuery?, region: String = standardRegion) {
        self.requestID = requestID
        self.action = Self.echo("Action", query)
        self.version = Self.echo("Version", query)
        self.region = region
    }

    /// The answer of an action that was performed.
    func success(_ result: JSONValue) -> Answer {
        answer([.init("ResponseMetadata", .object(metadata)), .init("Result", result)], status: .ok)
    }

    /// The answer for an error.
    func failure(_ fault: ArkFault) -> Answer {
        var error: [JSONValue.Member] = [.init("Code", .string(fault.code))]
        if let number = fault.number { error.append(.init("CodeN", .integer(number))) }
        error.append(.init("Message", .string(fault.message)))
        var answer = answer(
            [.init("ResponseMetadata", .object(metadata + [.init("Error", .object(error))]))],
            status: HTTPResponse.Status(code: fault.status))
        if let seconds = fault.retryAfterSeconds { answer.headers[.retryAfter] = String(min(max(seconds, 1), 60)) }
        return answer
    }

    private var metadata: [JSONValue.Member] {
        [
            .init("RequestId", .string(requestID)), .init("Action", .string(action)),
            .init("Version", .string(version)), .init("Service", .string(SignatureClaim.service)),
            .init("Region", .string(region)),
        ]
    }

    private func answer(_ members: [JSONValue.Member], status: HTTPResponse.Status) -> Answer {
        var answer = Answer.json(.object(members), status: status)
        answer.headers[.ttLogID] = requestID
        return answer
    }

    private static func echo(_ name: String, _ query: SignedQuery?) -> String {
        guard let value = query?.values(of: name).first, value.count <= echoBytesMax,
            value.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return "" }
        return String(decoding: value, as: UTF8.self)
    }
}
