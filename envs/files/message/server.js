// Echoes each message, with a number that Redis counts; GET / tells how many there were.
'use strict';
const http = require('http');
const net = require('net');
const { WebSocketServer } = require('ws');

// One Redis command of plain words, on a connection of its own; the reply's first line.
function redis(...words) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(6379, process.env.REDIS_HOST);
		let reply = '';
		socket.setEncoding('utf8');
		socket.setTimeout(5000, () => socket.destroy(new Error('redis: no answer')));
		socket.on('connect', () => socket.write(words.join(' ') + '\r\n'));
		socket.on('error', reject);
		socket.on('data', (data) => {
			reply += data;
			if (reply.endsWith('\r\n')) {
				socket.end();
				resolve(reply.trim().split('\r\n').pop());
			}
		});
	});
}

const server = http.createServer(async (request, response) => {
	try {
		const count = await redis('GET', 'messages');
		response.end(`${count === '$-1' ? 0 : count} messages so far\n`); // $-1: none yet
	} catch (error) {
		response.statusCode = 503;
		response.end(`${error.message}\n`);
	}
});

new WebSocketServer({ server }).on('connection', (socket) => {
	socket.on('message', async (data) => {
		try {
			const number = await redis('INCR', 'messages');
			socket.send(`${number.slice(1)}: ${data}`);
		} catch (error) {
			socket.close(1011, error.message);
		}
	});
});

server.listen(Number(process.env.PORT));
process.on('SIGTERM', () => process.exit(0));
