// SPDX-License-Identifier: Apache-2.0
internal import Curl

extension Client {
    /// One page of a list; the server may hold an empty one back for as long as it was asked to.
    func page<Element>(
        _ path: String, doing: String, query: [(String, String)], after: String?, limit: Int?,
        heldBack: Duration = .zero
    ) async throws(ClientError) -> Page<Element> {
        var query = query
        if let after { query.append(("after", after)) }
        if let limit { query.append(("limit", String(limit))) }
        let response = try await send(
            Call(method: "GET", path: path, doing: doing, query: query, heldBack: heldBack))
        do {
            let parts = try ListScanner.parts(of: response.body)
            let elements = try parts.elements.map { try Answer<Element>(decoding: $0) }
            return Page(elements: elements, hasMore: parts.hasMore, lastID: parts.lastID)
        } catch {
            throw .unintelligible(
                server: address.description, doing: doing, why: "the answer is not a list of the expected JSON")
        }
    }

    /// Follows pages by cursor and hands each to `visit`, until the list or `limit` elements (nil: all) are through.
    ///
    /// - Parameters:
    ///   - pageMax: most elements the server gives at once.
    ///   - id: names an element; the last one of a page is the cursor of the next.
    ///   - fetch: gets a page by cursor and number of elements wanted.
    /// - Returns: whether the server has more than was visited.
    @discardableResult
    package static func followPages<Element>(
        limit: Int?, pageMax: Int, id: (Element) -> String,
        fetch: (_ after: String?, _ limit: Int) async throws -> Page<Element>,
        visit: ([Answer<Element>]) async throws -> Void
    ) async throws -> Bool {
        var left = limit ?? .max
        var cursor: String?
        while left > 0 {
            let page = try await fetch(cursor, min(left, pageMax))
            let elements = Array(page.elements.prefix(left))
            try await visit(elements)
            left -= elements.count
            let isCut = elements.count < page.elements.count
            guard page.hasMore || isCut, let last = elements.last.map({ id($0.value) }) else { return false }
            // A server that ignores the cursor would send the same page for ever.
            guard last != cursor else { return true }
            cursor = last
        }
        return true
    }
}
