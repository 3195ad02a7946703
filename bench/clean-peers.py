# Cleans pages with one Python tool: python clean-peers.py TOOL < pages.jsonl > texts.jsonl
# In: a line a page, {"html": ...}. Out: a line a page, {"text": ...}, then {"seconds": CPU seconds of the extraction alone}.
import json
import sys
import time


def resiliparse():
    from resiliparse.extract.html2text import extract_plain_text

    return lambda html: extract_plain_text(html, main_content=True)


def trafilatura():
    from trafilatura import extract

    return lambda html: extract(html, output_format="markdown") or ""


def main():
    clean = {"resiliparse": resiliparse, "trafilatura": trafilatura}[sys.argv[1]]()
    pages = [json.loads(line)["html"] for line in sys.stdin]
    clean(pages[0])
    start = time.process_time()
    texts = [clean(html) for html in pages]
    seconds = time.process_time() - start
    for text in texts:
        sys.stdout.write(json.dumps({"text": text}) + "\n")
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")


main()
