"""OpenRouter: what is sent and what is understood are pure functions; `provider.py` connects them.

models.py      the dated table of models, and which of them have only the images route
references.py  reference images as data URIs, within the size limits
chat.py        the chat completions route: request body, and answer to `Generated`
images.py      the images route, likewise
errors.py      HTTP status and error body to a `ProviderError`
answer.py      what both routes read in the same way: JSON, bill, ids, image bytes, foreign text
provider.py    class `OpenRouter`: which route, which class of model, which headers
"""
