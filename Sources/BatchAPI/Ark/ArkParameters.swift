// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The parameters of an action: members of the JSON body, and what the query says besides. (contracts: Ark routing)
///
/// Clients repeat the query in the body, send parameters in the query with an empty object as the body, and add members
/// of their own: what nobody asks for is ignored, and null means absent.
struct ArkParameters {
    private let fields: JSONFields
    private let query: SignedQuery

    /// Reads the body of a request.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` or ``ArkFault`` when the body is no JSON object.
    init(body: [UInt8], query: SignedQuery) throws {
        self.query = query
        guard !body.isEmpty else {
            fields = JSONFields([])
            return
        }
        let tree = try JSONTree.parse(body)
        guard case .object(let members) = tree else {
            throw ArkFault.invalidParameter("The body of the request must be a JSON object, but is \(tree.kind).")
        }
        fields = JSONFields(members)
    }

    /// A parameter; the body's counts before the query's, which is always text.
    ///
    /// - Throws: `InvalidParameter` when the query has it several times.
    func value(of name: String) throws -> JSONTree? {
        if let value = fields[name] {
            if case .null = value {} else { return value }
        }
        return try query.text(of: name).map { JSONTree.string($0) }
    }
}
