// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Testing

struct TestModelTests {
    @Test func `the test model says its sentence and counts 26 tokens`() {
        let answer = String(decoding: TestModel.answer(id: "req_1", unixSeconds: 1_700_000_000), as: UTF8.self)
        #expect(
            answer == #"{"id":"chatcmpl-req_1","object":"chat.completion","created":1700000000,"#
                + #""model":"batch-test-model","choices":[{"index":0,"message":{"content":"This is a test result."},"#
                + #""finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":6,"total_tokens":26}}"#)
    }
}
