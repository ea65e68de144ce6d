// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct EndpointListTests {
    @Test func `the standard list has OpenAI's paths and those of run-batch`() {
        for path in Endpoint.allCases.map(\.rawValue) + ["/v1/score", "/score", "/rerank", "/v2/rerank"] {
            #expect(EndpointList.standard.allows(path))
        }
        #expect(!EndpointList.standard.allows("*") && !EndpointList.standard.allows("/v1/models"))
    }

    @Test func `a list is read and written back`() throws {
        let list = try EndpointList(parsing: " /v1/x, /custom/y\n/v1/x ")
        #expect(list.paths == ["/v1/x", "/custom/y"] && list.allows("/custom/y") && !list.allows("/custom"))
        #expect(try EndpointList(parsing: list.description) == list)
        #expect(try EndpointList(parsing: EndpointList.standard.description) == .standard)
    }

    @Test(arguments: ["", " ,", "v1/x", "/", "*", "/v1/../x", "/v1//x", "/v1/x?y", "/v1/%2e", "/é", "/v1/x/", "/a\"b"])
    func `what is no path is refused, by name`(text: String) {
        do throws(EndpointFault) {
            let list = try EndpointList(parsing: text)
            Issue.record("taken: \(list)")
        } catch {
            #expect(error.description.contains(error.entry))
        }
    }
}
