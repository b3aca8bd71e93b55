"""Configuring again in a running process, as notebooks do: nothing is lost and nothing is doubled.

OTLP_ENDPOINT=http://localhost:4318 python notebook.py      # or cell by cell, in an editor that knows "# %%"
"""

# %% Look at it first: spans as a tree on the console, log lines as text.
import asyncio
import os

from scripted_model import scripted_agent

from langswarm_otel import configure_observability, presets

agent = scripted_agent("researcher", "Because of Rayleigh scattering.")
obs = configure_observability(presets.development(service_name="notebook"))
asyncio.run(agent.chat("Why is the sky blue?", session_id="cell-1"))

# %% Run the same cell again: the same settings give the same handle, and nothing is installed twice.
assert configure_observability(presets.development(service_name="notebook")) is obs

# %% Now send it to a Collector too. What was made before is not sent again.
obs = configure_observability(presets.development(service_name="notebook", endpoint=os.environ["OTLP_ENDPOINT"]))
asyncio.run(agent.chat("And the sunset red?", session_id="cell-2"))

# %% Sample one trace in ten thousand from here on; the metrics still count every run.
obs.set_sample_ratio(0.0001)
for number in range(20):
    asyncio.run(agent.chat(f"question {number}", session_id=f"cell-3-{number}"))
runs = obs.statistics().find("gen_ai.invoke_agent.duration")
print("runs counted:", sum(series.count for series in runs))

# %% Send what is left.
obs.shutdown()
