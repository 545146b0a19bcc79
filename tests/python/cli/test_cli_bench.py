import json


def test_bench_as_json_has_every_figure(tensor_ipc):
    result = tensor_ipc("bench", "--json")

    assert result.exit_code == 0
    figures = json.loads(result.output)
    assert [put["frame_bytes"] for put in figures["put"]] == [1_000, 921_600, 6_220_800]
    for put in figures["put"]:
        assert put["put_gb_s"] > 0
        assert put["memcpy_gb_s"] > 0
    assert figures["get"]["get_us"] > 0
    assert figures["get"]["get_5_us"] > 0
    assert figures["get"]["copied_bytes"] == 0
    assert figures["wake"]["p99_us"] >= figures["wake"]["p50_us"] > 0
